/**
 * Starts the suites that take longest first, so that no worker is left alone with one of them at the end. Without a
 * record of former runs, as on a fresh clone, jest would go by the size of the files, and the longest are small ones.
 */
const { default: Sequencer } = require("@jest/test-sequencer");

/** Suites that took more than a hundred seconds in one run of all, five at a time on two cores, the longest first. */
const LONG = [
  "tests/preview/acceptance.test.ts",
  "tests/host/steps.test.ts",
  "tests/host/roles.test.ts",
  "tests/preview/lifecycle.test.ts",
  "tests/host/packagesCut.test.ts",
  "tests/host/fidelityBetween.test.ts",
  "tests/host/interrupted.test.ts",
  "tests/host/rollback.test.ts",
  "tests/host/fidelity.test.ts",
  "tests/host/wholeConfigurations.test.ts",
  "tests/preview/cookbook.test.ts",
  "tests/host/undo.test.ts",
  "tests/host/corpus.test.ts",
  "tests/preview/ways.test.ts",
  "tests/host/mailCheck.test.ts",
  "tests/host/serving.test.ts",
  "tests/faults/pairs.test.ts",
  "tests/host/openbsdMachine.test.ts",
  "tests/host/packages.test.ts",
  "tests/host/rolesPromises.test.ts",
  "tests/unit/formats/rcConfLocal.test.ts",
  "tests/host/predicted.test.ts",
  "tests/host/watch.test.ts",
  "tests/faults/disks.test.ts",
  "tests/host/ports.test.ts",
  "tests/preview/connections.test.ts",
  "tests/preview/packaged.test.ts",
  "tests/host/reboot.test.ts",
  "tests/host/openbsdMachineMade.test.ts",
  "tests/host/rolesDelivered.test.ts",
  "tests/unit/formats/masterCf.test.ts",
  "tests/preview/hostileText.test.ts",
  "tests/preview/interrupted.test.ts",
  "tests/host/rolesProven.test.ts",
  "tests/preview/golden.test.ts",
  "tests/preview/secretsOfRoles.test.ts",
  "tests/host/largeFiles.test.ts",
  "tests/preview/secrets.test.ts",
  "tests/host/formatsAgainstPostfix.test.ts",
  "tests/unit/formats/aliases.test.ts",
  "tests/preview/states.test.ts",
  "tests/host/extras.test.ts",
];

/** The place in {@link LONG}; after those, the suites with hosts; last, those without, which fill the gaps. */
const placeOf = ({ path }) => {
  const at = LONG.findIndex((name) => path.endsWith(name));
  if (at !== -1) return at;
  return LONG.length + (path.includes("/tests/unit/") ? 1 : 0);
};

module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).sort((one, other) => placeOf(one) - placeOf(other));
  }
};
