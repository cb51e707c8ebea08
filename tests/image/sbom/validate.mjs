// SPDX-License-Identifier: GPL-3.0-or-later
// Is a bill of materials valid by the public CycloneDX 1.6 schema, strictly? Says nothing and ends with 0, or says why not.
import { readFileSync } from "node:fs";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";

const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
const problem = await validator.validate(readFileSync(process.argv[2], "utf8"));
if (problem !== null) {
  console.error(JSON.stringify(problem, null, 1).slice(0, 4000));
  process.exit(1);
}
