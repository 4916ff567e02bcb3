"""The tables as this program knows them; `migrations/` is how a database gets there.

Keys are time-ordered int64 (`lib.ids.new_id`), times UTC epoch milliseconds, money nano-units beside a currency,
flags 0 or 1, lists and structs JSON text. Every row names its owner. Nothing in the ledger points at a conversation
by a foreign key: deleting chats never deletes spend.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)

metadata = MetaData()


def _ints(names: str) -> list[Column[Any]]:
    return [Column(name, BigInteger, nullable=False) for name in names.split()]


def _ints_or_none(names: str) -> list[Column[Any]]:
    return [Column(name, BigInteger) for name in names.split()]


def _ints_with_default(names: str) -> list[Column[Any]]:
    """Columns that came later: 0 in the rows before."""
    return [Column(name, BigInteger, nullable=False, server_default=text("0")) for name in names.split()]


def _texts_with_default(names: str) -> list[Column[Any]]:
    """Columns that came later: empty in the rows before."""
    return [Column(name, Text, nullable=False, server_default=text("''")) for name in names.split()]


def _texts(names: str) -> list[Column[Any]]:
    return [Column(name, Text, nullable=False) for name in names.split()]


def _texts_or_none(names: str) -> list[Column[Any]]:
    return [Column(name, Text) for name in names.split()]


def _key(*names: str) -> list[Column[Any]]:
    return [Column(name, BigInteger, primary_key=True, autoincrement=False) for name in names]


def _key_text(*names: str) -> list[Column[Any]]:
    return [Column(name, Text, primary_key=True) for name in names]


def _partial(condition: str) -> dict[str, Any]:
    """The options of an index over the rows that fulfil this condition."""
    return {f"{engine}_where": text(condition) for engine in ("sqlite", "postgresql")}


schema_step = Table("schema_step", metadata, *_key("number"), *_texts("name"), *_ints("at_ms"))

owner = Table("owner", metadata, *_key("id"), *_texts("public_id name"), *_ints("created_ms"))

preference = Table("preference", metadata, *_key("owner_id"), *_key_text("name"), *_texts("value"))

account = Table(
    "account",
    metadata,
    *_key("id"),
    *_ints("owner_id epoch disabled created_ms changed_ms"),
    *_texts("name folded password"),
    UniqueConstraint("owner_id", name="uq_account_owner"),
    UniqueConstraint("folded", name="uq_account_name"),
)

ended_login = Table(
    "ended_login", metadata, *_key("id"), *_ints("owner_id until_ms"), Index("ix_ended_login", "until_ms")
)

zone = Table(
    "zone",
    metadata,
    *_key("id"),
    *_ints("owner_id position"),
    *_texts("name"),
    UniqueConstraint("owner_id", "name", name="uq_zone_name"),
)

# --- gateways, what they serve, what it costs ---------------------------------------------------------------------

gateway = Table(
    "gateway",
    metadata,
    *_key("id"),
    *_ints("owner_id"),
    *_texts("public_id name base_url dialects variant_rules form settings key_hint"),
    *_ints("demo created_ms changed_ms"),
    *_texts_or_none("slot"),
    *_ints_or_none("deleted_ms"),
    Column("key_cipher", LargeBinary),
    Column("key_nonce", LargeBinary),
    UniqueConstraint("public_id", name="uq_gateway_public"),
    UniqueConstraint("owner_id", "slot", name="uq_gateway_slot"),
)

wire_form = Table(
    "wire_form", metadata, *_key("gateway_id"), *_key_text("model"), *_ints("owner_id changed_ms"), *_texts("form")
)

model_list = Table(
    "model_list",
    metadata,
    *_key("gateway_id"),
    *_ints("owner_id fetched_ms"),
    *_texts("raw_json models"),
    *_texts_or_none("error_note"),
    *_ints_or_none("error_ms"),
)

price_version = Table(
    "price_version",
    metadata,
    *_key("id"),
    *_ints("owner_id gateway_id"),
    *_texts("model source currency hash note"),
    *_ints_or_none("input_pico output_pico cache_read_pico cache_write_5m_pico cache_write_1h_pico"),
    *_ints("valid_from_ms first_seen_ms last_seen_ms"),
    Index("ix_price_model", "owner_id", "gateway_id", "model", "source", "valid_from_ms", "id"),
)

# --- conversations ------------------------------------------------------------------------------------------------

conversation = Table(
    "conversation",
    metadata,
    *_key("id"),
    *_ints("owner_id"),
    *_texts("public_id title title_folded dialect params system"),
    *_texts_with_default("title_source"),
    *_ints("created_ms last_ms answered_ms read_ms n_messages queue_paused"),
    *_texts_or_none("model"),
    *_ints_or_none("gateway_id active_id deleted_ms pinned_ms archived_ms folder_id batch_id"),
    UniqueConstraint("public_id", name="uq_conversation_public"),
    Index("ix_conversation_last", "owner_id", "last_ms", "id"),
    Index("ix_conversation_batch", "batch_id", **_partial("batch_id IS NOT NULL")),
)

folder = Table(
    "folder",
    metadata,
    *_key("id"),
    *_ints("owner_id"),
    *_texts("public_id name folded"),
    *_ints("created_ms"),
    UniqueConstraint("public_id", name="uq_folder_public"),
    UniqueConstraint("owner_id", "folded", name="uq_folder_name"),
)

conversation_tag = Table(
    "conversation_tag",
    metadata,
    *_key("conversation_id"),
    *_key_text("folded"),
    *_ints("owner_id"),
    *_texts("name"),
    Index("ix_conversation_tag", "owner_id", "folded"),
)

conversation_total = Table(
    "conversation_total",
    metadata,
    *_key("conversation_id"),
    *_key_text("currency"),
    *_key("demo"),
    *_ints("owner_id n n_unpriced n_estimated cost_nano in_tokens out_tokens"),
    Index("ix_total_cost", "owner_id", "currency", "demo", "cost_nano", "conversation_id"),
)

CHAT_MEASURES = "n n_error n_unpriced n_estimated cost_nano in_tokens in_cache_read out_tokens"

conversation_month = Table(
    "conversation_month",
    metadata,
    *_key("conversation_id"),
    *_key_text("currency"),
    *_key("demo", "month"),
    *_ints("owner_id"),
    *_ints(CHAT_MEASURES),
    Index("ix_month_cost", "owner_id", "currency", "demo", "month", "cost_nano", "conversation_id"),
    sqlite_with_rowid=False,
)

STORED = {"sqlite": "instr(parts, 'stored:') > 0", "postgresql": "strpos(parts, 'stored:') > 0"}
"""The condition that parts point at stored bytes, as each engine's index of such messages spells it."""

message = Table(
    "message",
    metadata,
    *_key("id"),
    *_ints("owner_id conversation_id"),
    *_texts("public_id role parts text reasoning repaired"),
    *_ints("created_ms changed_ms"),
    *_ints_or_none("parent_id active_child_id deleted_ms reasoning_ms continues_id deletion_id"),
    *_ints_with_default("edited copied kept_chars"),
    *_texts_or_none("state error_kind error_message finish_reason ref"),
    UniqueConstraint("public_id", name="uq_message_public"),
    Index("ix_message_tree", "conversation_id", "parent_id", "id"),
    Index("ix_message_owner", "owner_id", "id"),
    Index(
        "ix_message_stored",
        "owner_id",
        sqlite_where=text(STORED["sqlite"]),
        postgresql_where=text(STORED["postgresql"]),
    ),
    Index("ix_message_deletion", "owner_id", "deletion_id", **_partial("deletion_id IS NOT NULL")),
)

blob = Table(
    "blob",
    metadata,
    *_key("owner_id"),
    *_key_text("sha256"),
    *_ints("size created_ms"),
)

blob_piece = Table(
    "blob_piece",
    metadata,
    *_key("owner_id"),
    *_key_text("sha256"),
    *_key("number"),
    Column("data", LargeBinary, nullable=False),
)

attachment = Table(
    "attachment",
    metadata,
    *_key("id"),
    *_ints("owner_id position created_ms"),
    *_texts("public_id place facts forms thumb parts"),
    *_texts_or_none("chosen"),
    *_ints_or_none("conversation_id"),
    UniqueConstraint("public_id", name="uq_attachment_public"),
    Index("ix_attachment_place", "owner_id", "place", "position", "id"),
)

queue_item = Table(
    "queue_item",
    metadata,
    *_key("id"),
    *_ints("owner_id conversation_id position created_ms"),
    *_texts("public_id parts ref params system"),
    UniqueConstraint("public_id", name="uq_queue_public"),
    Index("ix_queue_order", "conversation_id", "position", "id"),
)

draft = Table("draft", metadata, *_key("owner_id", "conversation_id"), *_texts("text"), *_ints("changed_ms"))

preset = Table(
    "preset",
    metadata,
    *_key("id"),
    *_ints("owner_id position created_ms changed_ms"),
    *_texts("public_id name system params dialect"),
    *_ints_or_none("gateway_id"),
    *_texts_or_none("model"),
    UniqueConstraint("public_id", name="uq_preset_public"),
    Index("ix_preset_order", "owner_id", "position", "id"),
)

# --- what came in and what is shown to others ---------------------------------------------------------------------

import_run = Table(
    "import_run",
    metadata,
    *_key("id"),
    *_ints("owner_id"),
    *_texts("public_id"),
    *_ints("at_ms"),
    *_texts("source file_name"),
    *_ints("n_conversations n_messages n_attempts"),
    UniqueConstraint("public_id", name="uq_import_public"),
)

imported_conversation = Table(
    "imported_conversation",
    metadata,
    *_key("conversation_id"),
    *_ints("owner_id import_id at_ms n_messages"),
    *_texts("source source_id content_hash"),
    Index("ix_imported_source", "owner_id", "source", "source_id"),
    Index("ix_imported_hash", "owner_id", "content_hash"),
)

imported_event = Table(
    "imported_event",
    metadata,
    *_key("event_id"),
    *_ints("owner_id import_id"),
    *_texts("name"),
    UniqueConstraint("owner_id", "name", name="uq_imported_event"),
    Index("ix_imported_event", "import_id"),
)

share = Table(
    "share",
    metadata,
    *_key("id"),
    *_ints("owner_id conversation_id"),
    *_texts("public_id token_hash title"),
    *_ints("created_ms expires_ms with_costs"),
    Column("page", LargeBinary, nullable=False),
    UniqueConstraint("public_id", name="uq_share_public"),
    UniqueConstraint("token_hash", name="uq_share_token"),
    Index("ix_share_owner", "owner_id", "id"),
)

# --- many files, one prompt ---------------------------------------------------------------------------------------

batch = Table(
    "batch",
    metadata,
    *_key("id"),
    *_ints("owner_id parallel created_ms"),
    *_texts("public_id name prompt fields system"),
    *_ints_or_none("deleted_ms"),
    UniqueConstraint("public_id", name="uq_batch_public"),
    Index("ix_batch_owner", "owner_id", "id"),
)

batch_run = Table(
    "batch_run",
    metadata,
    *_key("id"),
    *_ints("owner_id batch_id created_ms heartbeat_ms"),
    *_texts("public_id ref params state currency epoch"),
    *_ints_or_none("budget_nano"),
    UniqueConstraint("public_id", name="uq_batch_run_public"),
    Index("ix_batch_run", "batch_id", "id"),
)

batch_row = Table(
    "batch_row",
    metadata,
    *_key("id"),
    *_ints("owner_id batch_id position"),
    *_texts("public_id name parts"),
    *_ints_or_none("conversation_id"),
    UniqueConstraint("public_id", name="uq_batch_row_public"),
    Index("ix_batch_row", "batch_id", "position", "id"),
)

batch_result = Table(
    "batch_result",
    metadata,
    *_key("run_id", "row_id"),
    *_ints("owner_id batch_id tries"),
    *_texts("state cells problems"),
    *_ints_or_none("message_id"),
    Index("ix_batch_result_batch", "batch_id"),
)

batch_try = Table(
    "batch_try",
    metadata,
    *_key("message_id"),
    *_ints("owner_id batch_id run_id row_id"),
    Index("ix_batch_try", "run_id", "row_id"),
)

# --- answers being produced ---------------------------------------------------------------------------------------

_RUNNING = _partial("state = 'running'")

answer = Table(
    "answer",
    metadata,
    *_key("id"),
    *_ints("owner_id conversation_id message_id"),
    *_texts("key lane state epoch ref params system purpose"),
    *_ints("started_ms heartbeat_ms stop_requested"),
    *_ints_or_none("ended_ms finish_id"),
    UniqueConstraint("owner_id", "key", name="uq_answer_key"),
    UniqueConstraint("message_id", name="uq_answer_message"),
    Index("uq_answer_running", "conversation_id", "lane", unique=True, **_RUNNING),
    Index("ix_answer_running", "state", "heartbeat_ms", **_RUNNING),
)

IS_RUNNING = answer.c.state == literal_column("'running'")
"""Written out, because neither engine uses a partial index for a bound parameter."""

answer_attempt = Table(
    "answer_attempt",
    metadata,
    *_key("id"),
    *_ints("owner_id answer_id number started_ms chars_in"),
    *_ints_or_none("max_out_cap"),
    *_ints_with_default("media_in"),
    Index("ix_attempt_answer", "answer_id"),
)

# --- the ledger ---------------------------------------------------------------------------------------------------

usage_event = Table(
    "usage_event",
    metadata,
    *_key("id"),
    *_ints("owner_id"),
    *_ints_or_none("answer_id conversation_id message_id"),
    *_ints("gateway_id number started_ms ended_ms demo chars_in chars_out chars_reasoning"),
    *_texts("model base family variant dialect purpose outcome usage_source semantic"),
    *_texts_or_none("effort model_reported response_id request_id error_kind error_message finish_reason anomaly"),
    *_ints_or_none("http_status first_byte_ms first_visible_ms duration_ms max_out_cap"),
    *_ints_with_default("media_in"),
    *_ints_or_none("in_uncached in_cache_read in_cache_write_5m in_cache_write_1h out_visible out_reasoning"),
    Index("ix_usage_owner", "owner_id", "id"),
    Index("ix_usage_conversation", "conversation_id", "id"),
    Index("ix_usage_message", "message_id"),
    Index("ix_usage_duration", "owner_id", "duration_ms", "id"),
)

usage_raw = Table("usage_raw", metadata, *_key("event_id"), *_ints("owner_id"), *_texts("usage_json"))

cost_event = Table(
    "cost_event",
    metadata,
    *_key("id"),
    *_ints("owner_id event_id seq created_ms cache_price_assumed"),
    *_texts("kind currency reason"),
    *_texts_or_none("source"),
    *_ints_or_none("nano input_nano cache_read_nano cache_write_nano output_nano other_nano"),
    *_ints_or_none("price_version_id reported_nano low_nano high_nano"),
    UniqueConstraint("event_id", "seq", name="uq_cost_seq"),
    Index("ix_cost_amount", "owner_id", "nano", "event_id"),
)

usage_item = Table(
    "usage_item",
    metadata,
    *_key("id"),
    *_ints("owner_id gateway_id demo priced"),
    *_texts("model base family variant purpose outcome usage_source currency"),
)

MEASURES = (
    "n n_error n_stopped n_unpriced n_estimated n_reported_cost n_anomaly n_in_unknown n_out_unknown cost_nano "
    "est_cost_nano est_low_nano est_high_nano input_nano cache_read_nano cache_write_nano output_nano other_nano "
    "in_uncached in_cache_read in_cache_write in_cache_write_1h out_visible out_reasoning duration_ms n_duration "
    "first_visible_ms n_first_visible paced_tokens paced_ms"
)

usage_rollup = Table(
    "usage_rollup",
    metadata,
    *_key_text("kind"),
    *_key("scope_id", "bucket", "item_id"),
    *_ints(MEASURES),
    *_ints("owner_id"),
    sqlite_with_rowid=False,
)

usage_speed = Table(
    "usage_speed",
    metadata,
    *_key_text("kind"),
    *_key("zone_id", "bucket", "item_id", "step"),
    *_ints("n owner_id"),
    sqlite_with_rowid=False,
)

# --- what may be spent, and the papers about it -------------------------------------------------------------------

budget = Table(
    "budget",
    metadata,
    *_key("id"),
    *_ints("owner_id limit_nano warn_percent active created_ms changed_ms"),
    *_texts("public_id scope period subject currency zone unpriced"),
    *_ints_or_none("target_id deleted_ms"),
    UniqueConstraint("public_id", name="uq_budget_public"),
    Index("ix_budget_owner", "owner_id", "id"),
)

reservation = Table(
    "reservation",
    metadata,
    *_key("id"),
    *_ints("owner_id gateway_id hold_nano created_ms"),
    *_texts("currency state epoch"),
    *_ints_or_none("answer_id conversation_id event_id"),
    Index("ix_reservation_owner", "owner_id", "id"),
    Index("ix_reservation_answer", "answer_id", **_partial("answer_id IS NOT NULL")),
)

open_request = Table(
    "open_request",
    metadata,
    *_key("id"),
    *_ints("owner_id first_id number started_ms chars_in"),
    *_texts("purpose ref epoch"),
    *_ints_or_none("max_out_cap conversation_id"),
)

budget_override = Table(
    "budget_override",
    metadata,
    *_key("id"),
    *_ints("owner_id budget_id gateway_id at_ms limit_nano spent_nano held_nano over_nano"),
    *_texts("currency model"),
    *_ints_or_none("estimate_nano conversation_id message_id"),
    Index("ix_override_owner", "owner_id", "id"),
)

price_rule = Table(
    "price_rule",
    metadata,
    *_key("id"),
    *_ints("owner_id gateway_id active created_ms"),
    *_texts("public_id variant times base only_base label"),
    *_ints_or_none("deleted_ms"),
    UniqueConstraint("public_id", name="uq_price_rule_public"),
    Index("ix_price_rule", "owner_id", "gateway_id", "id"),
)

statement = Table(
    "statement",
    metadata,
    *_key("id"),
    *_ints("owner_id closed_ms n_rows"),
    *_texts("public_id month zone hash document"),
    UniqueConstraint("public_id", name="uq_statement_public"),
    UniqueConstraint("owner_id", "month", name="uq_statement_month"),
)

bill = Table(
    "bill",
    metadata,
    *_key("id"),
    *_ints("owner_id gateway_id at_ms n_lines n_troubles n_skipped"),
    *_texts("public_id name form"),
    *_ints_or_none("from_ms to_ms"),
    UniqueConstraint("public_id", name="uq_bill_public"),
    Index("ix_bill_owner", "owner_id", "id"),
)

bill_line = Table(
    "bill_line",
    metadata,
    *_key("bill_id", "line"),
    *_ints("owner_id"),
    *_texts("model currency ids"),
    *_ints_or_none("at_ms tokens_in tokens_out tokens_cached nano event_id"),
    *_texts_or_none("how"),
    Index("ix_bill_event", "event_id", **_partial("event_id IS NOT NULL")),
    sqlite_with_rowid=False,
)
