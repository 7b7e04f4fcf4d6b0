"""Random statements about encrypted columns and their plaintext twins: see ../columns_twins.t."""
