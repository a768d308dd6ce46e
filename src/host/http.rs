//! Downloads over HTTP(S), bounded and retried.
