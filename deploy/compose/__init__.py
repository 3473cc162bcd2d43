"""The platform in containers: what each container may do, the secrets it gets, the database it finds."""
