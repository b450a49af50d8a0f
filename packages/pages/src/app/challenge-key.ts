/** The key of the mutation that solves a challenge of the server. */
export const challengeKey = ["challenge"];
