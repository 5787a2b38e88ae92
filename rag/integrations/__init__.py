"""Ours inside applications that exist: each module needs the optional package it is named after."""
