"""Keeps the project's own test run from collecting the graders of the miniature course."""

collect_ignore_glob = ["miniature_course/*"]
