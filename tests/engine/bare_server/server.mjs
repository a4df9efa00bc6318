// An MCP server that tells what is around it, on nothing but Node.
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

function surroundings() {
  writeFileSync("/data/kept", "kept");
  const seen = { arguments: process.argv.slice(2), environment: process.env, folder: process.cwd(), user: process.getuid() };
  return { content: [{ type: "text", text: JSON.stringify(seen) }] };
}

const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "bare", version: "1.0.0" },
  }),
  ping: () => ({}),
  "tools/list": () => ({
    tools: [{ name: "surroundings", description: "Tells what the server sees.", inputSchema: { type: "object" } }],
  }),
  "tools/call": surroundings,
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  const answer = answers[method];
  const said = answer ? { result: answer(params) } : { error: { code: -32601, message: `there is no ${method}` } };
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, ...said })}\n`);
}
