"""Correction for regression dilution, where the exposure was measured twice."""
