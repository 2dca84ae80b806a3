//! The shipped platform files, lowered and compared with what they say.
