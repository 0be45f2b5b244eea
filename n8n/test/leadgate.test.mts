import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import api from '../dist/credentials/LeadgateApi.credentials.js';
import conversions from '../dist/credentials/LeadgateConversionsApi.credentials.js';
import node from '../dist/nodes/Leadgate/Leadgate.node.js';
import { type Answer, context, type Request } from './stub.mts';

const leadgate = new node.Leadgate();

type Item = { json: Record<string, unknown>; pairedItem: { item: number } };

async function run(stub: ReturnType<typeof context>): Promise<Item[]> {
	const out = await leadgate.execute.call(stub as never);
	assert.equal(out.length, 1);
	return out[0] as never;
}

const report = {
	resource: 'conversion',
	operation: 'report',
	eventName: 'Purchase',
	identifyBy: 'waPhone',
	identifier: '+15551234567',
};

/** An edge that queues everything but what has no value, which it calls invalid. */
function edge(request: Request): Answer {
	const results = (request.body as Array<Record<string, unknown>>).map((c) =>
		c.value === undefined
			? {
					status: 'invalid',
					eventId: null,
					click: null,
					error: 'a Purchase needs a value',
					fix: 'write value',
				}
			: {
					status: 'queued',
					eventId: `e-${String(c.orderId)}`,
					click: null,
					error: null,
					fix: null,
				},
	);
	return { status: results.some((r) => r.status !== 'invalid') ? 200 : 422, body: { results } };
}

test('reports what the parameters say, and leaves out what is empty', async () => {
	const stub = context(
		[
			{
				...report,
				identifyBy: 'leadId',
				identifier: ' l:9876543210123456789 ',
				value: '129.90',
				currency: 'brl',
				orderId: 9007199254740991,
				additionalFields: {
					eventTime: '2026-11-27T10:00:00',
					email: 'a@example.com',
					contents: '[{"id":"1"}]',
					customData: { delivery: 'x' },
					externalId: '',
					touch: 'first',
				},
			},
		],
		edge,
		{ url: 'https://bots.example.com/conversions' },
	);
	const [item] = await run(stub);
	assert.deepEqual(item.pairedItem, { item: 0 });
	assert.equal(item.json.status, 'queued');
	assert.equal(stub.requests[0].url, 'https://bots.example.com/conversions');
	assert.equal(stub.requests[0].method, 'POST');
	assert.equal(stub.requests[0].disableFollowRedirect, true); // nor is the token sent elsewhere
	assert.deepEqual(stub.requests[0].body, [
		{
			eventName: 'Purchase',
			leadId: 'l:9876543210123456789',
			value: '129.90',
			currency: 'BRL',
			orderId: '9007199254740991',
			email: 'a@example.com',
			touch: 'first',
			eventTime: '2026-11-27T10:00:00.000-03:00',
			contents: [{ id: '1' }],
			customData: { delivery: 'x' },
		},
	]);
});

test('takes times of every kind that n8n gives', async () => {
	const times: Array<[unknown, unknown]> = [
		[1795744946000, 1795744946000],
		['1795744946000', 1795744946000],
		['2026-11-27T10:00:00Z', '2026-11-27T10:00:00.000Z'],
		['2026-11-27T10:00:00+05:30', '2026-11-27T10:00:00.000+05:30'],
		[new Date(0), '1970-01-01T00:00:00.000Z'],
		['tomorrow', 'tomorrow'], // for the edge to refuse
		['', undefined],
	];
	const stub = context(
		times.map(([eventTime]) => ({ ...report, value: '1', additionalFields: { eventTime } })),
		edge,
	);
	await run(stub);
	assert.deepEqual(
		(stub.requests[0].body as Array<{ eventTime: unknown }>).map((b) => b.eventTime),
		times.map(([, want]) => want),
	);
});

test('reports a hundred in a request, and keeps their order', async () => {
	const stub = context(
		Array.from({ length: 250 }, (_, i) => ({ ...report, value: '1', orderId: i })),
		edge,
	);
	const out = await run(stub);
	assert.deepEqual(
		stub.requests.map((r) => (r.body as unknown[]).length),
		[100, 100, 50],
	);
	assert.deepEqual(
		out.map((o) => [o.json.eventId, o.pairedItem.item]),
		Array.from({ length: 250 }, (_, i) => [`e-${i}`, i]),
	);
});

test('what is invalid is an error, or an output where that is wanted', async () => {
	const items = [{ ...report, value: '1', orderId: 1 }, { ...report }];
	await assert.rejects(run(context(items, edge)), (e: Error & Record<string, unknown>) => {
		assert.equal(e.message, 'a Purchase needs a value');
		assert.equal(e.description, 'write value');
		assert.equal(e.httpCode, '422');
		assert.deepEqual((e.context as Record<string, unknown>).itemIndex, 1);
		return true;
	});
	const goneOn = await run(context(items, edge, { continueOnFail: true }));
	assert.equal(goneOn[0].json.status, 'queued');
	assert.deepEqual(goneOn[1], {
		json: { error: 'a Purchase needs a value', message: 'write value' },
		pairedItem: { item: 1 },
	});
	const returned = await run(context([{ ...report, options: { returnInvalid: true } }], edge));
	assert.equal(returned[0].json.status, 'invalid');
	assert.equal(returned[0].json.fix, 'write value');
});

test('a wrong JSON parameter spares the request of that item alone', async () => {
	const items = [
		{ ...report, value: '1', additionalFields: { contents: '[' } },
		{ ...report, value: '1', orderId: 2 },
	];
	const stub = context(items, edge, { continueOnFail: true });
	const out = await run(stub);
	assert.match(String(out[0].json.error), /Contents is not JSON/);
	assert.equal(out[1].json.eventId, 'e-2');
	assert.equal((stub.requests[0].body as unknown[]).length, 1);
	await assert.rejects(run(context(items, edge)), /Contents is not JSON/);
});

test('an answer that is none of the edge is never taken for success', async () => {
	const wrong: Array<[Answer | Error, RegExp]> = [
		[{ status: 200, body: '<html>hello</html>' }, /not one of Leadgate's/],
		[{ status: 200, body: { results: [] } }, /not one of Leadgate's/],
		[{ status: 200, body: null }, /not one of Leadgate's/],
		[{ status: 302, body: '' }, /not one of Leadgate's/],
		[{ status: 401, body: { error: 'the token is wrong' } }, /the token is wrong/],
		[{ status: 503, body: '{"error":"the queue cannot be asked"}' }, /the queue cannot be asked/],
		[new Error('connect ECONNREFUSED'), /refused|ECONNREFUSED/],
	];
	for (const [answer, said] of wrong) {
		const items = [
			{ ...report, value: '1' },
			{ ...report, value: '2' },
		];
		await assert.rejects(run(context(items, () => answer)), said);
		const goneOn = await run(context(items, () => answer, { continueOnFail: true }));
		assert.equal(goneOn.length, 2);
		for (const item of goneOn) assert.match(String(item.json.error), said);
	}
});

const dead = { resource: 'deadLetter', destination: 'n8n' };

/** A store of 2500 dead letters, in pages as the edge gives them. */
function pages({ qs }: Request): Answer {
	const from = Number(qs?.after ?? 0);
	const to = Math.min(2500, from + Number(qs?.limit));
	return {
		body: {
			dead: Array.from({ length: to - from }, (_, i) => ({ id: from + i })),
			next: to < 2500 ? String(to) : null,
		},
	};
}

test('gets dead letters page by page, all or as many as are wanted', async () => {
	for (const [parameters, limits, count] of [
		[{ returnAll: true }, [1000, 1000, 1000], 2500],
		[{ limit: 1200 }, [1000, 200], 1200],
		[{}, [50], 50],
	] as const) {
		const stub = context([{ ...dead, operation: 'getAll', ...parameters }], pages);
		const out = await run(stub);
		assert.deepEqual(
			stub.requests.map((r) => r.qs?.limit),
			limits,
		);
		assert.deepEqual(
			out.map((o) => o.json.id),
			Array.from({ length: count }, (_, i) => i),
		);
		assert.equal(stub.requests[0].url, 'https://bots.example.com/api/dead');
		assert.equal(stub.requests[0].qs?.destination, 'n8n');
	}
});

test('replays and drops what was chosen, and nothing else', async () => {
	for (const operation of ['replay', 'drop']) {
		const stub = context(
			[
				{ ...dead, operation, which: 'one', deadLetterId: '4.a' },
				{
					...dead,
					operation,
					which: 'all',
					filters: { reason: 'expired', since: '2026-11-27T10:00:00' },
				},
				{ ...dead, operation, which: 'all' },
			],
			() => ({ body: { count: 1 } }),
		);
		const out = await run(stub);
		assert.deepEqual(
			stub.requests.map((r) => [r.method, r.url, r.body]),
			[
				[
					'POST',
					`https://bots.example.com/api/dead/${operation}`,
					{ destination: 'n8n', ids: ['4.a'] },
				],
				[
					'POST',
					`https://bots.example.com/api/dead/${operation}`,
					{
						destination: 'n8n',
						all: true,
						reason: 'expired',
						since: '2026-11-27T10:00:00.000-03:00',
					},
				],
				[
					'POST',
					`https://bots.example.com/api/dead/${operation}`,
					{ destination: 'n8n', all: true },
				],
			],
		);
		assert.deepEqual(
			out.map((o) => o.json),
			Array(3).fill({ destination: 'n8n', count: 1 }),
		);
	}
});

test('a filter that came out empty never chooses all dead letters', async () => {
	for (const filters of [
		{ reason: '' },
		{ since: undefined },
		{ reason: 'expired', since: null },
	]) {
		const stub = context([{ ...dead, operation: 'drop', which: 'all', filters }], () => ({
			body: { count: 1 },
		}));
		await assert.rejects(run(stub), /The filter (reason|since) is empty/);
		assert.equal(stub.requests.length, 0);
	}
});

const others: Array<[Record<string, unknown>, string, string, unknown]> = [
	[{ resource: 'destination', operation: 'getAll' }, 'GET', '/destinations', undefined],
	[
		{ resource: 'destination', operation: 'pause', destination: 'a/b' },
		'POST',
		'/destinations/a%2Fb/pause',
		undefined,
	],
	[
		{ resource: 'destination', operation: 'resume', destination: 'n8n' },
		'POST',
		'/destinations/n8n/resume',
		undefined,
	],
	[{ ...dead, operation: 'get', deadLetterId: '4.a' }, 'GET', '/dead/4.a', undefined],
	[
		{ resource: 'contact', operation: 'get', contact: '+1' },
		'POST',
		'/contacts/show',
		{ contact: '+1' },
	],
	[
		{ resource: 'contact', operation: 'erase', contact: '+1' },
		'POST',
		'/contacts/erase',
		{ contact: '+1' },
	],
	[
		{
			resource: 'ad',
			operation: 'getAll',
			filters: { from: '2026-01-01T00:00:00', group: 'ad', to: '' },
		},
		'GET',
		'/ads',
		{ from: '2026-01-01', group: 'ad' },
	],
];

/** An edge that answers each path with what a test can use. */
function anything({ url }: Request): Answer {
	if (/\/(pause|resume)$/.test(url)) return { body: '' };
	if (/\/(destinations|ads)$/.test(url)) return { body: [{}] };
	return { body: url.endsWith('/dead') ? { dead: [], next: null } : { count: 1 } };
}

test('asks for everything else where the edge has it', async () => {
	for (const [parameters, method, path, content] of others) {
		const stub = context([parameters], anything, { url: 'https://e.example/api/*' });
		assert.equal((await run(stub)).length, 1, path);
		const [request] = stub.requests;
		assert.equal(request.method, method);
		assert.equal(request.url, `https://e.example/api${path}`);
		assert.deepEqual(method === 'GET' ? request.qs : request.body, content);
	}
});

test('has an operation for each route of the edge, with the parameters that it knows', async () => {
	const { paths, components } = JSON.parse(
		readFileSync(new URL('../../internal/api/openapi.json', import.meta.url), 'utf8'),
	);
	const wanted = new Set<string>();
	for (const [path, methods] of Object.entries(paths)) {
		for (const method of ['get', 'post']) {
			if (method in (methods as object)) wanted.add(`${method.toUpperCase()} ${path}`);
		}
	}
	// The description is for programs that read it, and a GET of conversions for the credential's test.
	assert.ok(wanted.delete('GET /openapi.json') && wanted.delete('GET /conversions'));
	const all = [
		...others.map(([parameters]) => parameters),
		{ ...dead, operation: 'getAll', filters: { reason: 'expired' } },
		{ ...dead, operation: 'replay', which: 'one', deadLetterId: '4.a' },
		{ ...dead, operation: 'drop', which: 'all', filters: { reason: 'expired', since: 1 } },
	];
	const stub = context([], anything);
	for (const parameters of all) {
		const one = context([parameters], anything);
		await run(one);
		stub.requests.push(...one.requests);
	}
	for (const { method, url, qs, body } of stub.requests) {
		const path = url
			.replace('https://bots.example.com/api', '')
			.replace(/^\/destinations\/[^/]+/, '/destinations/{name}');
		const route = path === '/dead/4.a' ? '/dead/{id}' : path;
		const spec = paths[route][method.toLowerCase()];
		wanted.delete(`${method} ${route}`);
		const known = (spec.parameters ?? []).map((p: { name: string }) => p.name);
		for (const name of Object.keys(qs ?? {}))
			assert.ok(known.includes(name), `${route} knows no ${name}`);
		const schema = spec.requestBody?.content['application/json'].schema.$ref.split('/').pop();
		for (const name of Object.keys(body ?? {})) {
			assert.ok(components.schemas[schema].properties[name], `${route} knows no ${name}`);
		}
	}
	const conversion = context(
		[
			{
				...report,
				value: '1',
				currency: 'USD',
				orderId: '1',
				additionalFields: {
					channel: 'whatsapp',
					email: 'a@example.com',
					externalId: '1',
					touch: 'last',
					eventTime: 1,
					contents: '[]',
					customData: '{}',
				},
			},
		],
		edge,
	);
	await run(conversion);
	wanted.delete('POST /conversions');
	for (const name of Object.keys((conversion.requests[0].body as object[])[0])) {
		assert.ok(components.schemas.Conversion.properties[name], `a conversion has no ${name}`);
	}
	assert.deepEqual([...wanted], []);
});

test('the edge names what is wrong and what to do, for the item', async () => {
	const refused = () => ({
		status: 403,
		body: { error: 'this token may not do this', fix: 'write allow all' },
	});
	const items = [{ resource: 'destination', operation: 'pause', destination: 'n8n' }];
	await assert.rejects(run(context(items, refused)), (e: Error & Record<string, unknown>) => {
		assert.equal(e.message, 'this token may not do this');
		assert.equal(e.description, 'write allow all');
		assert.equal(e.httpCode, '403');
		assert.ok(!JSON.stringify(e).includes('hidden'));
		return true;
	});
	const out = await run(context(items, refused, { continueOnFail: true }));
	assert.deepEqual(out[0].json, {
		error: 'this token may not do this',
		message: 'write allow all',
	});
});

test('lists the destinations to choose from', async () => {
	const stub = context([{}], () => ({
		body: [
			{ name: 'n8n', kind: 'forward', state: 'running' },
			{ name: 'old', kind: '', state: 'removed' },
		],
	}));
	assert.deepEqual(await leadgate.methods.loadOptions.getDestinations.call(stub as never), [
		{ name: 'n8n (forward, running)', value: 'n8n' },
		{ name: 'old (removed, removed)', value: 'old' },
	]);
});

test('a page of another site, with status 200, is no answer', async () => {
	const asked = [
		{ resource: 'destination', operation: 'getAll' },
		{ resource: 'destination', operation: 'pause', destination: 'n8n' },
		{ resource: 'ad', operation: 'getAll' },
		{ resource: 'contact', operation: 'get', contact: '+1' },
		{ ...dead, operation: 'getAll' },
		{ ...dead, operation: 'get', deadLetterId: '4.a' },
		{ ...dead, operation: 'replay', which: 'one', deadLetterId: '4.a' },
	];
	for (const parameters of asked) {
		await assert.rejects(
			run(context([parameters], () => ({ body: '<html></html>' }))),
			/not one of Leadgate's/,
		);
	}
	for (const parameters of asked.filter((a) => a.operation !== 'pause')) {
		await assert.rejects(run(context([parameters], () => ({ body: '' }))), /not one of Leadgate's/);
	}
	for (const parameters of [asked[0], asked[2], asked[4]]) {
		await assert.rejects(
			run(context([parameters], () => ({ body: { ok: true } }))),
			/not one of Leadgate's/,
		);
	}
});

test("a credential's test asks where the node does, however the URL was pasted", () => {
	for (const { test: asked } of [new api.LeadgateApi(), new conversions.LeadgateConversionsApi()]) {
		const expression = String(asked.request.baseURL).slice('={{'.length, -'}}'.length);
		const base = new Function('$credentials', `return ${expression}`) as (c: object) => string;
		for (const url of [
			'https://e.example/api',
			'https://e.example/api/*',
			' https://e.example/api/ ',
		]) {
			assert.equal(base({ url }), 'https://e.example/api');
		}
	}
});
