"""Alembic runs this file: all migrations on the connection, and in the transaction, of `simulator.app.store.layout`."""

from alembic import context

from simulator.app.store.layout import VERSIONS

context.configure(connection=context.config.attributes["connection"], version_table=VERSIONS)
with context.begin_transaction():
    context.run_migrations()
