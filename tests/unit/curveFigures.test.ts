/** The exponents of `npm run bench:curves`. */
import fc from "fast-check";
import { exponentOf } from "../../tools/bench/curveFigures";

const SIZES = [10, 100, 1000, 10_000, 100_000];

test("the exponent of a power is found, whatever the overhead that each size has", () => {
  const power = fc.double({ min: 0.8, max: 2, noNaN: true });
  fc.assert(
    fc.property(power, fc.nat(20), (exponent, overhead) => {
      const samples = SIZES.map((size) => [size, overhead + size ** exponent] as const);
      // What the smallest size takes is taken off, which is not the overhead alone.
      expect(Math.abs((exponentOf(samples, 1000) ?? 0) - exponent)).toBeLessThan(0.02);
    }),
  );
});

test("a figure that hardly grows has no exponent, and neither has one of a single size", () => {
  expect(
    exponentOf(
      [
        [10, 5],
        [1000, 5.1],
        [10_000, 5.2],
      ],
      1000,
    ),
  ).toBeUndefined();
  expect(
    exponentOf(
      [
        [10, 5],
        [1000, 50],
      ],
      1000,
    ),
  ).toBeUndefined();
  expect(exponentOf([], 1000)).toBeUndefined();
});
