import { runClassifier } from "./classifier/classifier.ts";
import { processOutput } from "./replay/output.ts";

process.exitCode = await runClassifier(process.argv.slice(2), {
  env: process.env,
  out: processOutput(process),
  today: new Date().toISOString().slice(0, 10),
});
