"""Versions of the marts for readers: written, verified, switched, handed on. Knows no Dagster."""
