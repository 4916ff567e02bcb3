"""Anthropic Messages: the client half (`request`, `decoder`, both in `messages`) and the server half (`server`)."""
