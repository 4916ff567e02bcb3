"""Rules for attachments: what they are, what a model takes of them, how many tokens they are likely to be."""

from lib.attachments.attachment import Attachment, Form, FormName, Kind, Problem, part_bytes

__all__ = ["Attachment", "Form", "FormName", "Kind", "Problem", "part_bytes"]
