import type { IDataObject, IExecuteFunctions, IHttpRequestMethods } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import { day, instant } from '../instant';
import { ask, askList, refusal, type Content } from '../transport';

/** One operation on one input item: the items that come of it. */
export type Operation = (this: IExecuteFunctions, item: number) => Promise<IDataObject[]>;

/** The most that a page of dead letters has. */
const page = 1000;

/** All operations but the conversions', which go many at a time, by resource and operation. */
export const operations: Record<string, Record<string, Operation>> = {
	ad: { getAll: ads },
	contact: { erase: contact('erase'), get: contact('show') },
	deadLetter: { drop: choose('drop'), get: letter, getAll: letters, replay: choose('replay') },
	destination: { getAll: destinations, pause: order('pause'), resume: order('resume') },
};

/** Asks the edge for an object. */
async function api(
	context: IExecuteFunctions,
	item: number,
	method: IHttpRequestMethods,
	path: string,
	content: Content = {},
): Promise<IDataObject> {
	const answer = await ask.call(context, 'leadgateApi', method, path, content, item);
	if (answer === '' || Array.isArray(answer)) throw refusal(context.getNode(), 200, answer, item);
	return answer as IDataObject;
}

/** The first of a list, as many as the user wants. */
function limited(context: IExecuteFunctions, item: number, all: IDataObject[]): IDataObject[] {
	return all.slice(0, wanted(context, item));
}

/** How many items the user wants. */
function wanted(context: IExecuteFunctions, item: number): number {
	if (context.getNodeParameter('returnAll', item, false)) return Infinity;
	return context.getNodeParameter('limit', item, 50) as number;
}

function textOf(context: IExecuteFunctions, item: number, name: string): string {
	return String(context.getNodeParameter(name, item, '') ?? '').trim();
}

async function ads(this: IExecuteFunctions, item: number): Promise<IDataObject[]> {
	const { from, to, group, ad } = this.getNodeParameter('filters', item, {}) as IDataObject;
	const qs = filled({ from: day(from), to: day(to), group, ad });
	return limited(this, item, await askList.call(this, '/ads', { qs }, item));
}

function contact(action: 'show' | 'erase'): Operation {
	return async function (item) {
		const body = { contact: textOf(this, item, 'contact') };
		const answer = await api(this, item, 'POST', `/contacts/${action}`, { body });
		return [{ ...body, ...answer }];
	};
}

async function destinations(this: IExecuteFunctions, item: number): Promise<IDataObject[]> {
	return limited(this, item, await askList.call(this, '/destinations', {}, item));
}

function order(action: 'pause' | 'resume'): Operation {
	return async function (item) {
		const name = textOf(this, item, 'destination');
		const path = `/destinations/${encodeURIComponent(name)}/${action}`;
		await ask.call(this, 'leadgateApi', 'POST', path, {}, item);
		return [{ destination: name, success: true }];
	};
}

async function letter(this: IExecuteFunctions, item: number): Promise<IDataObject[]> {
	const id = encodeURIComponent(textOf(this, item, 'deadLetterId'));
	return [await api(this, item, 'GET', `/dead/${id}`)];
}

/** Dead letters, the newest first, page by page. */
async function letters(this: IExecuteFunctions, item: number): Promise<IDataObject[]> {
	const { reason } = this.getNodeParameter('filters', item, {}) as IDataObject;
	const fixed = filled({ destination: textOf(this, item, 'destination'), reason });
	const limit = wanted(this, item);
	const all: IDataObject[] = [];
	let after: string | null = null;
	do {
		const qs: IDataObject = filled({ ...fixed, limit: Math.min(page, limit - all.length), after });
		const answer = (await api(this, item, 'GET', '/dead', { qs })) as {
			dead: IDataObject[];
			next: string | null;
		};
		if (!Array.isArray(answer.dead)) throw refusal(this.getNode(), 200, answer, item);
		all.push(...answer.dead);
		after = answer.next;
	} while (after !== null && all.length < limit);
	return all;
}

/** Replays or drops dead letters: one, or those of a destination. */
function choose(action: 'replay' | 'drop'): Operation {
	return async function (item) {
		const destination = textOf(this, item, 'destination');
		const body: IDataObject = { destination };
		if (this.getNodeParameter('which', item) === 'one') {
			body.ids = [textOf(this, item, 'deadLetterId')];
		} else {
			Object.assign(body, { all: true }, narrowed(this, item));
		}
		const answer = await api(this, item, 'POST', `/dead/${action}`, { body });
		return [{ destination, ...answer }];
	};
}

/**
 * What narrows all dead letters of a destination. A filter that came out empty, of an
 * expression that found nothing, is refused: without it more would be dropped than was meant.
 */
function narrowed(context: IExecuteFunctions, itemIndex: number): IDataObject {
	const filters = context.getNodeParameter('filters', itemIndex, {}) as IDataObject;
	for (const [name, value] of Object.entries(filters)) {
		if (value !== undefined && value !== null && value !== '') continue;
		throw new NodeOperationError(context.getNode(), `The filter ${name} is empty`, {
			description: 'Remove it to choose all dead letters of the destination',
			itemIndex,
		});
	}
	const { reason, since } = filters;
	return filled({ reason, since: instant(since, context.getTimezone()) });
}

/** An object without what nothing was said of. */
function filled(all: Record<string, unknown>): IDataObject {
	return Object.fromEntries(
		Object.entries(all).filter(
			([, value]) => value !== undefined && value !== null && value !== '',
		),
	) as IDataObject;
}
