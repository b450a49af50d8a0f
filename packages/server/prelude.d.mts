// It exports nothing, and is loaded for its effects.
export {};
