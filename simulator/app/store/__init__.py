"""The database of the app: attempts and incidents, never results. Only this folder imports SQLAlchemy and Alembic."""
