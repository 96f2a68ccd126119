import * as mainCf from "../../../provider/formats/mainCf";
import { describeLaws } from "./laws";
import { foreignLine, names, texts, values } from "./mainCfTexts";

describe("main.cf", () => {
  describeLaws({ format: mainCf, texts, keys: names, values, foreignLine });
});
