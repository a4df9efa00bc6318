// Fails the build of a package that has no such command, and says which commands it has. A package with one command
// gets it under its own name too, the way npx finds it; one that was installed from a lock gets all of them.
import { existsSync, readFileSync, symlinkSync } from "node:fs";

const [, , name, command] = process.argv;
const { bin = {} } = JSON.parse(readFileSync(`/opt/server/lib/node_modules/${name}/package.json`));
const commands = typeof bin === "string" ? [name.split("/").pop()] : Object.keys(bin);
const linked = `/opt/server/bin/${command}`;

for (const each of commands) {
  if (!existsSync(`/opt/server/bin/${each}`)) symlinkSync(`../lib/node_modules/.bin/${each}`, `/opt/server/bin/${each}`);
}
if (!existsSync(linked)) {
  if (commands.length === 1 && command === name.split("/").pop()) {
    symlinkSync(commands[0], linked);
  } else {
    const thereIs = commands.length ? `it has ${commands.sort().join(", ")}` : "it has none";
    console.error(`${name} has no command '${command}'; ${thereIs}.`);
    console.error(`Name one in the source: npm:${name}@VERSION#COMMAND`);
    process.exit(1);
  }
}
