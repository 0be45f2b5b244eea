import type {
	IDataObject,
	IExecuteFunctions,
	IHookFunctions,
	IHttpRequestMethods,
	IHttpRequestOptions,
	ILoadOptionsFunctions,
	IN8nHttpFullResponse,
	INode,
	JsonObject,
} from 'n8n-workflow';
import { NodeApiError } from 'n8n-workflow';

/** The credentials that carry a URL and a token. */
export type CredentialName = 'leadgateApi' | 'leadgateConversionsApi';

/** What a request may carry. */
export interface Content {
	qs?: IDataObject;
	body?: IDataObject | IDataObject[];
}

/**
 * Asks the edge, and returns the status and the answer, whatever it says. Only an edge that
 * cannot be reached is an error here.
 */
export async function request(
	this: IExecuteFunctions | ILoadOptionsFunctions | IHookFunctions,
	credential: CredentialName,
	method: IHttpRequestMethods,
	path: string,
	content: Content = {},
	itemIndex?: number,
): Promise<{ status: number; answer: unknown }> {
	const { url } = await this.getCredentials<{ url: string }>(credential);
	const options: IHttpRequestOptions = {
		...content,
		method,
		url:
			String(url)
				.trim()
				.replace(/[/*]+$/, '') + path,
		headers: { Accept: 'application/json' },
		json: true,
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		disableFollowRedirect: true,
	};
	try {
		const { statusCode, body } = (await this.helpers.httpRequestWithAuthentication.call(
			this,
			credential,
			options,
		)) as IN8nHttpFullResponse;
		return { status: statusCode, answer: parsed(body) };
	} catch (error) {
		throw new NodeApiError(this.getNode(), error as JsonObject, { itemIndex });
	}
}

/** Asks the edge for something that it must give. */
export async function ask(
	this: IExecuteFunctions | ILoadOptionsFunctions | IHookFunctions,
	credential: CredentialName,
	method: IHttpRequestMethods,
	path: string,
	content: Content = {},
	itemIndex?: number,
): Promise<unknown> {
	const { status, answer } = await request.call(this, credential, method, path, content, itemIndex);
	// Text is some other site's page, whatever its status; an order is answered with nothing.
	const page = answer === null || (typeof answer !== 'object' && answer !== '');
	if (status !== 200 || page) throw refusal(this.getNode(), status, answer, itemIndex);
	return answer;
}

/** Asks the edge for a list. */
export async function askList(
	this: IExecuteFunctions | ILoadOptionsFunctions | IHookFunctions,
	path: string,
	content: Content = {},
	itemIndex?: number,
): Promise<IDataObject[]> {
	const answer = await ask.call(this, 'leadgateApi', 'GET', path, content, itemIndex);
	if (!Array.isArray(answer)) throw refusal(this.getNode(), 200, answer, itemIndex);
	return answer as IDataObject[];
}

/** The edge's refusal as n8n shows it: its sentence, and below it what to do. */
export function refusal(
	node: INode,
	status: number,
	answer: unknown,
	itemIndex?: number,
): NodeApiError {
	const said = (typeof answer === 'object' && answer !== null ? answer : {}) as IDataObject;
	const ours = typeof said.error === 'string';
	return new NodeApiError(node, { ...said, statusCode: status } as JsonObject, {
		message: ours ? String(said.error) : `The answer, status ${status}, is not one of Leadgate's`,
		description: ours
			? String(said.fix ?? '')
			: "Compare the credential's URL with the path of the block in the Caddyfile",
		httpCode: String(status),
		itemIndex,
	});
}

/** An answer that came as text is JSON, or is kept as it is. */
function parsed(body: unknown): unknown {
	if (typeof body !== 'string') return body;
	try {
		return JSON.parse(body);
	} catch {
		return body;
	}
}
