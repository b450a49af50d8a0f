// Says in one sentence what an older Node would say in a stack trace. Plain JavaScript, so that it can.

if (Number(process.versions.node.split(".")[0]) < 24) {
  process.stderr.write(
    `Lockstep needs Node 24 or newer; this is ${process.version}. Install it from your system or a version manager, and try again.\n`,
  );
  process.exit(1);
}
