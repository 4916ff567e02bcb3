"""OpenAI Chat Completions: the client half (`request`, `decoder`, both in `chat`) and the server half (`server`)."""
