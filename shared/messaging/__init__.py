"""Messaging over RabbitMQ: topology, relay of the outbox, batch consumption, commands by message.

Nothing here knows nameko or eventlet; every wait has a deadline.
"""
