// Owns reading lines within a size limit: a line that is too long is reported, not kept.

export interface Line {
  /** 1, 2, 3 … */
  readonly number: number;
  /** Without the line ending. `null`: longer than allowed. */
  readonly bytes: Uint8Array | null;
}

const newline = 0x0a;

/** The lines of a stream of bytes. The last one may have no line ending. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Line> {
  let number = 1;
  let parts: Uint8Array[] = [];
  let sizeBytes = 0;
  const append = (part: Uint8Array) => {
    sizeBytes += part.byteLength;
    if (sizeBytes > maxBytes) parts = [];
    else parts.push(part);
  };
  const line = (): Line => ({ number, bytes: sizeBytes > maxBytes ? null : Buffer.concat(parts) });

  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      append(chunk.subarray(start, end));
      yield line();
      start = end + 1;
      number++;
      parts = [];
      sizeBytes = 0;
    }
    append(chunk.subarray(start));
  }
  if (sizeBytes > 0) yield line();
}
