import { spawnWorker } from "maltster";

// test/fixtures/source-maps/sender.ts
const handler = (order, more) => {
	if (more === 2) throw new RangeError(`order ${order.id}`);
	return "fine";
};
function spin(until) {
	let turns = 0;
	while (turns >= 0) turns = (turns + until) % 1e3;
	return turns;
}
const worker = await spawnWorker({
	stdout: "ignore",
	stderr: "ignore"
});
const thrown = await worker.call((order) => handler(order, 2), [{
	id: 7,
	items: []
}]).catch((error) => error);
const spinning = worker.call(spin, [3]).catch((error) => error);
await new Promise((resolve) => setTimeout(resolve, 200));
await worker.interrupt();
const cut = await spinning;
const origin = worker.explain(spin, [3]).entries[0]?.origin;
await worker.stop();
const { remoteStack } = thrown;
console.log(JSON.stringify({
	thrown: remoteStack,
	cut: cut.at ?? "",
	origin
}));

export {  };
//# sourceMappingURL=bundle-true-false.mjs.map