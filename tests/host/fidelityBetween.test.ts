/** The test host against the facts about OpenBSD: the releases between the oldest and the newest. */
import { tell } from "./fidelity/run";

tell((release) => release !== "4.7" && release !== "7.8");
