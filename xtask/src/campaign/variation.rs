//! What may differ between two builds of the same commit. Shared by the campaign and by tests/e2e/reproducible.rs.
