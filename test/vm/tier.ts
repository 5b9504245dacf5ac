import { afterAll, test } from "bun:test";
import { bootGuest } from "./guest.ts";
import { BUILD_LIMIT } from "./image.ts";
import { SCENARIOS } from "./scenarios.ts";

// Started by its path, as it takes minutes that `npm test` is not to take. One guest runs all of them; each is a test here, which waits for what the guest tells of it.

const guest = bootGuest();
let passed = 0;
afterAll(() => {
  guest.kill();
  console.log(`${passed} passed, ${SCENARIOS.length - passed} failed`);
});

for (const { name } of SCENARIOS) {
  test(
    name,
    async () => {
      const { failure } = await guest.result(name);
      if (failure !== null) throw new Error(failure);
      passed += 1;
    },
    // The first one waits for the image and the boot too. The guest bounds everything by itself.
    BUILD_LIMIT + 2_100_000,
  );
}
