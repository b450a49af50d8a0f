// Nothing is exported: it is loaded for what it does.
export {};
