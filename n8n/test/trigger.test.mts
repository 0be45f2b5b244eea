import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';

import node from '../dist/nodes/LeadgateTrigger/LeadgateTrigger.node.js';
import { context } from './stub.mts';

const trigger = new node.LeadgateTrigger();

const event = {
	id: 'e1',
	tenantId: 'acme',
	kind: 'message',
	channel: 'whatsapp',
	waPhone: '+15551234567',
	waId: '15551234567',
	userId: null,
	profileName: 'Maria',
	message: { id: 'wamid.1', type: 'text', text: 'Hi' },
	referral: { ctwaClid: 'Aff-1', adId: '120', headline: 'Sale' },
	utm: { campaign: 'summer' },
	receivedAt: 1,
	replyUntil: 2,
};

interface Options {
	parameters?: Record<string, unknown>;
	secrets?: { secret: string; previousSecret?: string };
	signedBy?: string;
	raw?: Buffer | null;
}

/** Posts an event to the trigger, signed by a secret, and says what became of it. */
async function post(
	body: object,
	{ parameters = {}, secrets = { secret: 's' }, signedBy = 's', raw }: Options = {},
) {
	const rawBody = Buffer.from(JSON.stringify(body));
	const timestamp = String(Math.floor(Date.now() / 1000));
	const mac = createHmac('sha256', signedBy)
		.update(`e1.${timestamp}.`)
		.update(rawBody)
		.digest('base64');
	const said: { status?: number; json?: { error: string } } = {};
	const response = {
		status(code: number) {
			said.status = code;
			return response;
		},
		json(text: { error: string }) {
			said.json = text;
			return response;
		},
	};
	const result = await trigger.webhook.call({
		getHeaderData: () => ({
			'webhook-id': 'e1',
			'webhook-timestamp': timestamp,
			'webhook-signature': `v1,${mac}`,
			'leadgate-event-id': 'e1',
			'leadgate-tenant': 'acme',
			'leadgate-kind': 'message',
			'leadgate-attempt': '3',
		}),
		getNodeParameter: (name: string, otherwise: unknown) => parameters[name] ?? otherwise,
		getRequestObject: () => ({ rawBody: raw === undefined ? rawBody : (raw ?? undefined) }),
		getCredentials: async () => secrets,
		getResponseObject: () => response,
		getBodyData: () => body,
		helpers: { returnJsonArray: (json: object) => [{ json }] },
	} as never);
	return { ...said, ...result, out: result.workflowData?.[0][0].json };
}

test('puts out the event as it is, and what the headers say of it', async () => {
	const { out, status } = await post(event);
	assert.equal(status, undefined);
	assert.deepEqual(out, {
		...event,
		leadgate: { eventId: 'e1', tenant: 'acme', kind: 'message', attempt: 3 },
	});
});

test('refuses another secret with 401, and runs nothing', async () => {
	for (const options of [{ signedBy: 'other' }, { raw: null }, { raw: Buffer.from('{}') }]) {
		const result = await post(event, options);
		assert.equal(result.status, 401);
		assert.ok(result.json?.error);
		assert.equal(result.noWebhookResponse, true);
		assert.equal(result.workflowData, undefined);
	}
});

test('takes the secret before this one, while there is one', async () => {
	assert.ok(
		(await post(event, { signedBy: 'old', secrets: { secret: 's', previousSecret: 'old' } })).out,
	);
	assert.equal(
		(await post(event, { signedBy: 'old', secrets: { secret: 's', previousSecret: '' } })).status,
		401,
	);
	// An empty secret is nobody's.
	await assert.rejects(
		post(event, { signedBy: 'x', secrets: { secret: '' } }),
		/the secret is empty/,
	);
});

test('lets through the kinds and clicks that are wanted; the others are taken, and run nothing', async () => {
	const organic = { ...event, referral: { ctwaClid: null, adId: null } };
	const status = { ...event, kind: 'status', referral: null };
	for (const [body, parameters, wanted] of [
		[event, { kinds: [] }, true],
		[event, { kinds: ['message', 'lead'] }, true],
		[event, { kinds: ['lead'] }, false],
		[event, { onlyAdClicks: true }, true],
		[{ ...event, referral: { ctwaClid: null, adId: '120' } }, { onlyAdClicks: true }, true],
		[organic, { onlyAdClicks: true }, false],
		[status, { onlyAdClicks: true }, false],
		[organic, {}, true],
	] as const) {
		const result = await post(body, { parameters });
		assert.equal(result.out !== undefined, wanted, JSON.stringify([body, parameters]));
		assert.equal(result.status, undefined);
		if (!wanted) assert.equal(typeof result.webhookResponse, 'string');
	}
});

test('simplifies messages, leads and statuses', async () => {
	const simple = (body: object) =>
		post(body, { parameters: { simplify: true } }).then((r) => r.out as Record<string, unknown>);
	const { leadgate, ...message } = await simple(event);
	assert.ok(leadgate);
	assert.deepEqual(message, {
		id: 'e1',
		tenant: 'acme',
		kind: 'message',
		channel: 'whatsapp',
		contact: '15551234567',
		phone: '+15551234567',
		name: 'Maria',
		text: 'Hi',
		messageId: 'wamid.1',
		messageType: 'text',
		mediaId: null,
		buttonId: null,
		ctwaClid: 'Aff-1',
		adId: '120',
		headline: 'Sale',
		campaign: 'summer',
		leadId: null,
		answers: null,
		status: null,
		receivedAt: 1,
		replyUntil: 2,
	});
	const lead = await simple({
		...event,
		kind: 'lead',
		message: null,
		referral: null,
		utm: null,
		userId: 'U1',
		lead: {
			leadgenId: '9',
			adId: '121',
			campaignName: 'C',
			answers: [
				{ name: 'city', values: ['Rio', 'Recife'] },
				{ name: '__proto__', values: ['x'] },
			],
		},
	});
	assert.deepEqual(
		[lead.contact, lead.leadId, lead.adId, lead.campaign, lead.text],
		['U1', '9', '121', 'C', null],
	);
	assert.deepEqual(JSON.stringify(lead.answers), '{"city":"Rio, Recife","__proto__":"x"}');
	assert.equal(
		(await simple({ ...event, kind: 'status', message: null, status: { state: 'read' } })).status,
		'read',
	);
});

test('says of a secret whether it can be used', async () => {
	const said = (data: object) =>
		trigger.methods.credentialTest.testSecret.call({} as never, { data } as never);
	assert.equal((await said({ secret: 'whsec_c2VjcmV0', previousSecret: 'x' })).status, 'OK');
	assert.deepEqual(await said({ secret: '' }), { status: 'Error', message: 'the secret is empty' });
	assert.equal((await said({ secret: 's', previousSecret: 'whsec_%' })).status, 'Error');
});

test('is published where a destination leads to its path, by whatever host; without the option, anywhere', async () => {
	const hooks = trigger.webhookMethods.default;
	const stub = (checkEdge: boolean, targets: string[]) => ({
		...context([], () => ({ body: targets.map((target) => ({ target })) })),
		getNodeParameter: (_: string, otherwise: unknown) => checkEdge || otherwise,
		getNodeWebhookUrl: () => 'https://n8n.example.com/webhook/leadgate',
	});
	const exists = (checkEdge: boolean, ...targets: string[]) =>
		hooks.checkExists.call(stub(checkEdge, targets) as never);
	assert.equal(await exists(false), true);
	assert.equal(await exists(true, '1234567890', '', 'http://n8n:5678/webhook/leadgate'), true);
	assert.equal(await exists(true, 'https://n8n.example.com/webhook/leadgate2'), false);
	await assert.rejects(
		hooks.create.call(stub(true, []) as never),
		/forward https:\/\/n8n.example.com\/webhook\/leadgate \{\n\tsign \{env\.N8N_SIGNING_SECRET\}\n\}$/,
	);
	assert.equal(await hooks.delete.call({} as never), true);
});
