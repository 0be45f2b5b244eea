import type { IDataObject, IExecuteFunctions, INodeExecutionData, JsonObject } from 'n8n-workflow';
import { NodeApiError, NodeOperationError } from 'n8n-workflow';

import { failed } from '../failed';
import { instant } from '../instant';
import { refusal, request } from '../transport';

/** How many conversions go in one request; the edge takes 1000, and 3 MiB. */
const batch = 100;

/** What the edge says of one conversion. */
interface Result extends IDataObject {
	status: 'queued' | 'duplicate' | 'no_click' | 'invalid';
	error: string | null;
	fix: string | null;
}

/** Reports a conversion for each input item, many in a request. */
export async function report(this: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const out: INodeExecutionData[] = [];
	const total = this.getInputData().length;
	for (let from = 0; from < total; from += batch) {
		const items = Array.from({ length: Math.min(batch, total - from) }, (_, i) => from + i);
		out.push(...(await reportBatch.call(this, items)));
	}
	return out;
}

async function reportBatch(
	this: IExecuteFunctions,
	items: number[],
): Promise<INodeExecutionData[]> {
	const out = new Map<number, INodeExecutionData>();
	const fail = (item: number, error: Error) => {
		if (!this.continueOnFail()) throw error;
		out.set(item, failed(item, error));
	};
	const asked: Array<{ item: number; body: IDataObject }> = [];
	for (const item of items) {
		try {
			asked.push({ item, body: read.call(this, item) });
		} catch (error) {
			fail(item, error as Error);
		}
	}
	if (asked.length > 0) {
		const body = asked.map((a) => a.body);
		try {
			const results = await post.call(this, body, asked[0].item);
			asked.forEach(({ item }, i) => {
				if (results[i].status === 'invalid' && !returned.call(this, item)) {
					fail(item, invalid.call(this, results[i], item));
				} else {
					out.set(item, { json: results[i], pairedItem: { item } });
				}
			});
		} catch (error) {
			if (!this.continueOnFail()) {
				throw new NodeApiError(this.getNode(), error as JsonObject);
			}
			for (const { item } of asked) fail(item, error as Error);
		}
	}
	return items.map((item) => out.get(item) as INodeExecutionData);
}

/** Posts conversions, and returns what became of each. */
async function post(this: IExecuteFunctions, body: IDataObject[], item: number): Promise<Result[]> {
	const { status, answer } = await request.call(
		this,
		'leadgateConversionsApi',
		'POST',
		'',
		{ body },
		item,
	);
	const results = (answer as { results?: Result[] } | null)?.results;
	// 422 has results too: each of them is invalid.
	if (
		(status !== 200 && status !== 422) ||
		!Array.isArray(results) ||
		results.length !== body.length
	) {
		throw refusal(this.getNode(), status, answer, item);
	}
	return results;
}

/** Reports whether the user wants what is invalid as an output. */
function returned(this: IExecuteFunctions, item: number): boolean {
	return this.getNodeParameter('options.returnInvalid', item, false) as boolean;
}

function invalid(this: IExecuteFunctions, result: Result, itemIndex: number): NodeApiError {
	return new NodeApiError(this.getNode(), result as unknown as JsonObject, {
		message: String(result.error),
		description: String(result.fix ?? ''),
		httpCode: '422',
		itemIndex,
	});
}

/** The conversion that an item's parameters say. What is empty is left out. */
function read(this: IExecuteFunctions, item: number): IDataObject {
	const text = (name: string) => String(this.getNodeParameter(name, item, '') ?? '').trim();
	const more = this.getNodeParameter('additionalFields', item, {}) as IDataObject;
	const body: IDataObject = { eventName: text('eventName') };
	const put = (name: string, value: IDataObject[string]) => {
		if (value !== undefined && value !== null && value !== '') body[name] = value;
	};
	// Ids and amounts stay texts: JavaScript's numbers would change long ones.
	put(text('identifyBy'), text('identifier'));
	put('value', text('value'));
	put('currency', text('currency').toUpperCase());
	put('orderId', text('orderId'));
	for (const name of ['channel', 'email', 'externalId', 'touch']) put(name, more[name]);
	put('eventTime', instant(more.eventTime, this.getTimezone()));
	put('contents', json.call(this, 'Contents', more.contents, item));
	put('customData', json.call(this, 'Custom Data', more.customData, item));
	return body;
}

/** A JSON parameter, which an expression may have made an object of already. */
function json(
	this: IExecuteFunctions,
	name: string,
	value: unknown,
	itemIndex: number,
): IDataObject | undefined {
	if (typeof value !== 'string') return value as IDataObject | undefined;
	if (value.trim() === '') return undefined;
	try {
		return JSON.parse(value) as IDataObject;
	} catch (error) {
		throw new NodeOperationError(this.getNode(), error as Error, {
			message: `${name} is not JSON`,
			itemIndex,
		});
	}
}
