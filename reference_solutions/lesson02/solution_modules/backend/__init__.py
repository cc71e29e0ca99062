"""The backend of the TaskManager: an app factory, its settings, and the chat."""
