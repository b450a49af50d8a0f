// Owns the durations of measurements. `--quick` makes one short round of everything, to check that it runs.

const quick = process.argv.includes("--quick");

export const pace = quick
  ? { quick, rounds: 1, secondsPerRound: 1, loginsPerRound: 4, floodSeconds: 2 }
  : { quick, rounds: 5, secondsPerRound: 2, loginsPerRound: 8, floodSeconds: 6 };
