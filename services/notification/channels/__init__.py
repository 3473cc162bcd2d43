"""By what people and systems are told outside of the page: e-mail, SMS, webhooks. What is set up says one file."""
