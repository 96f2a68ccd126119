import { abridged } from "../../provider/values/abridged";

const lines = (count: number): string[] => Array.from({ length: count }, (_, nth) => `line ${nth}`);
const rest = (count: number): string => `and ${count} more`;

test.each([0, 1, 20, 21])("a list of %i lines is shown whole", (count) => {
  expect(abridged(lines(count), rest)).toEqual(lines(count));
});

test.each([22, 100_000])(
  "of a list of %i lines the first twenty are shown, and how many more",
  (count) => {
    expect(abridged(lines(count), rest)).toEqual([...lines(20), `and ${count - 20} more`]);
  },
);
