"""Tests on the real kernel and a real engine."""
