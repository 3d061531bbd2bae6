"""The tables of the state database; their queries are in the other modules of this package.

Rows with a key in ``user`` or ``scope`` are private to that user; a ``scope`` of ``""`` is shared by all. No
table but ``tokens``, which only its own module reads, holds a token, a cookie or a query string.
"""

import sqlalchemy as sa

metadata = sa.MetaData()

users = sa.Table(
    "users",
    metadata,
    sa.Column("user", sa.String(63), primary_key=True),
    sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
)

user_sources = sa.Table(
    "user_sources",
    metadata,
    sa.Column("user", sa.String(63), sa.ForeignKey("users.user", ondelete="CASCADE"), primary_key=True),
    sa.Column("source", sa.String(32), primary_key=True),
    sa.Column("location", sa.Text, nullable=False),
    sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
)

answers = sa.Table(
    "answers",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
)

# Whose items need an answer, recorded at every request: erasure deletes answers that nobody needs. The user
# "" stands for answers that belong to nobody (vocabularies, common words).
answer_uses = sa.Table(
    "answer_uses",
    metadata,
    sa.Column("key", sa.String(64), sa.ForeignKey("answers.key", ondelete="CASCADE"), primary_key=True),
    sa.Column("user", sa.String(63), primary_key=True),
)

consents = sa.Table(
    "consents",
    metadata,
    sa.Column("user", sa.String(63), sa.ForeignKey("users.user", ondelete="CASCADE"), primary_key=True),
    sa.Column("source", sa.String(32), primary_key=True),
    sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("user", sa.String(63), sa.ForeignKey("users.user", ondelete="CASCADE"), primary_key=True),
    sa.Column("source", sa.String(32), primary_key=True),
    sa.Column("access", sa.Text, nullable=False),
    sa.Column("refresh", sa.Text),
    sa.Column("expires_at", sa.DateTime(timezone=True)),
)

# A hash of the key, so that the record of an erasure does not contain what was erased.
tombstones = sa.Table(
    "tombstones",
    metadata,
    sa.Column("user_sha256", sa.String(64), primary_key=True),
    sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
)

crawl_rows = sa.Table(
    "crawl_rows",
    metadata,
    sa.Column("source", sa.String(32), primary_key=True),
    sa.Column("scope", sa.String(63), primary_key=True),
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("parent", sa.Text, nullable=False, server_default="", index=True),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("gone_at", sa.DateTime(timezone=True)),
)

crawl_cursors = sa.Table(
    "crawl_cursors",
    metadata,
    sa.Column("source", sa.String(32), primary_key=True),
    sa.Column("scope", sa.String(63), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
    sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
)

# Whose items the shared rows of a parent are: erasure deletes rows that nobody refers to.
interests = sa.Table(
    "interests",
    metadata,
    sa.Column("user", sa.String(63), sa.ForeignKey("users.user", ondelete="CASCADE"), primary_key=True),
    sa.Column("source", sa.String(32), primary_key=True),
    sa.Column("parent", sa.Text, primary_key=True),
    sa.Column("hop", sa.Integer, nullable=False),
    sa.Column("pointed_by", sa.Integer, nullable=False),
)

gates = sa.Table(
    "gates",
    metadata,
    sa.Column("platform", sa.String(32), primary_key=True),
    # Seconds since 1970: compared and added to in the database, in one statement.
    sa.Column("free_at", sa.Float, nullable=False),
    sa.Column("gap", sa.Float, nullable=False),
    # When a request under way stops blocking others even if its end is never recorded.
    sa.Column("held_until", sa.Float, nullable=False),
)

# Leases on answers being requested.
claims = sa.Table(
    "claims",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("holder", sa.String(64), nullable=False),
    # Seconds since 1970; the claim of a killed process expires.
    sa.Column("until", sa.Float, nullable=False),
)

# Batches submitted to a provider: recorded before they are submitted.
batches = sa.Table(
    "batches",
    metadata,
    sa.Column("batch_id", sa.String(128), primary_key=True),
    sa.Column("user", sa.String(63), nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    # Keys of the expected answers, by custom_id.
    sa.Column("keys", sa.JSON, nullable=False),
    sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("ended_at", sa.DateTime(timezone=True)),
)

# Usage of providers and its cost at list prices, without any content.
ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("user", sa.String(63), nullable=False),
    sa.Column("stage", sa.String(63), nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("requests", sa.Integer, nullable=False),
    sa.Column("items", sa.Integer, nullable=False),
    sa.Column("input_tokens", sa.Integer, nullable=False),
    sa.Column("output_tokens", sa.Integer, nullable=False),
    sa.Column("pixels", sa.Integer, nullable=False),
    sa.Column("usd", sa.Float, nullable=False),
)
