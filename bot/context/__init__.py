"""What the model sees: the system prompt and the conversation."""
