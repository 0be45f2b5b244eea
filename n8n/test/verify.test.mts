import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { keyOf, verify } from '../dist/nodes/LeadgateTrigger/verify.js';

// What the edge itself signs: its own test reads the same file.
const vectors = JSON.parse(
	readFileSync(new URL('../../internal/sign/testdata/vectors.json', import.meta.url), 'utf8'),
);

const secret = 'secret';
const body = '{"kind":"message"}';
const at = 1795744946;

// A vector, signed by the edge with the secret above.
const vector = vectors.signatures.find(
	(v: { secret: string; body: string }) => v.secret === secret && v.body === '',
);

function check(
	changed: Record<string, unknown> = {},
	options: { body?: string; now?: number; secrets?: string[] } = {},
) {
	const headers = {
		'webhook-id': vector.id,
		'webhook-timestamp': String(vector.timestamp),
		'webhook-signature': vector.signature,
		...changed,
	};
	const keys = (options.secrets ?? [secret]).map(keyOf);
	return verify(
		keys,
		headers as never,
		Buffer.from(options.body ?? ''),
		(options.now ?? at) * 1000,
	);
}

test('takes what the edge signs', () => {
	assert.ok(vectors.signatures.length > 0);
	for (const v of vectors.signatures) {
		const headers = {
			'webhook-id': v.id,
			'webhook-timestamp': String(v.timestamp),
			'webhook-signature': v.signature,
		};
		assert.equal(
			verify([keyOf(v.secret)], headers, Buffer.from(v.body), v.timestamp * 1000),
			null,
			v.what,
		);
		assert.notEqual(
			verify(
				[keyOf(`${v.secret}x`.replace(/^whsec_.*/, 'whsec_AAAA'))],
				headers,
				Buffer.from(v.body),
				v.timestamp * 1000,
			),
			null,
			v.what,
		);
		assert.notEqual(
			verify([keyOf(v.secret)], headers, Buffer.from(`${v.body} `), v.timestamp * 1000),
			null,
			v.what,
		);
	}
});

test('refuses the secrets that the edge refuses, and shows nothing of them', () => {
	assert.ok(vectors.secrets.length > 0);
	for (const v of vectors.secrets) {
		assert.throws(() => keyOf(v.secret), new Error(v.error), v.secret);
	}
});

test('refuses what was tampered with', () => {
	assert.equal(check(), null);
	const wrong: Array<[string, string | null]> = [
		['another body', check({}, { body })],
		['another id', check({ 'webhook-id': 'e2' })],
		['another time', check({ 'webhook-timestamp': String(at + 1) })],
		['an old one', check({}, { now: at + 301 })],
		['one of the future', check({}, { now: at - 301 })],
		['no number as time', check({ 'webhook-timestamp': 'now' })],
		['a time in exponents', check({ 'webhook-timestamp': '1e9' })],
		['no id', check({ 'webhook-id': undefined })],
		['no time', check({ 'webhook-timestamp': undefined })],
		['no signature', check({ 'webhook-signature': undefined })],
		['two headers', check({ 'webhook-signature': [vector.signature, vector.signature] })],
		['only the version', check({ 'webhook-signature': 'v1,' })],
		['another version', check({ 'webhook-signature': vector.signature.replace('v1,', 'v1a,') })],
		['a part of it', check({ 'webhook-signature': vector.signature.slice(0, 20) })],
		['something after it', check({ 'webhook-signature': `${vector.signature}A` })],
		[
			'characters that base64 has not',
			check({ 'webhook-signature': vector.signature.replace('v1,', 'v1,!') }),
		],
		['another secret', check({}, { secrets: ['other'] })],
		['no secret at all', check({}, { secrets: [] })],
	];
	for (const [what, said] of wrong) {
		assert.equal(typeof said, 'string', what);
	}
});

test('takes it at the ends of the tolerance, by either secret, beside other signatures', () => {
	assert.equal(check({}, { now: at + 300 }), null);
	assert.equal(check({}, { now: at - 300 }), null);
	assert.equal(check({}, { secrets: ['other', secret] }), null);
	assert.equal(check({ 'webhook-signature': `v1,AAAA v2,x ${vector.signature}` }), null);
});
