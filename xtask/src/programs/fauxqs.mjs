import { buildApp } from "fauxqs";

// Its `startFauxqs` would listen on every address of the machine.
const app = buildApp({ logger: false });
console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
