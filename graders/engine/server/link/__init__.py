"""The grader's end of the wire to one server: frames, requests, calls of the model.

Must not know what is right or wrong to say, beyond the rules of the wire.
"""
