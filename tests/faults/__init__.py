"""The platform under faults: real processes, real servers, releases by HTTP and AMQP, and the promises checked at last.

``python -m tests.faults`` (``make faults``) runs it; the short form is in ``tests/e2e/test_faults.py``.
"""
