import fc from "fast-check";

/** Mostly a few lines, where two things meet often; now and then up to 200. */
export function manyLines<T>(line: fc.Arbitrary<T>, few = 12): fc.Arbitrary<T[]> {
  return fc.oneof(
    { weight: 49, arbitrary: fc.array(line, { maxLength: few }) },
    { weight: 1, arbitrary: fc.array(line, { minLength: few, maxLength: 200, size: "max" }) },
  );
}
