"""The nightly report: one HTML file beside the marts of a version, made of what they hold."""
