import type {
	ICredentialDataDecryptedObject,
	ICredentialsDecrypted,
	ICredentialTestFunctions,
	IDataObject,
	IHookFunctions,
	INodeCredentialTestResult,
	INodeType,
	INodeTypeDescription,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { NodeConnectionTypes, NodeOperationError } from 'n8n-workflow';

import { askList } from '../Leadgate/transport';
import { delivery, simplify, wants } from './event';
import { properties } from './properties';
import { keyOf, verify } from './verify';

export class LeadgateTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Leadgate Trigger',
		name: 'leadgateTrigger',
		icon: { light: 'file:../../icons/leadgate.svg', dark: 'file:../../icons/leadgate.dark.svg' },
		group: ['trigger'],
		version: 1,
		subtitle: '={{ $parameter["kinds"].join(", ") || "all that is forwarded" }}',
		description: 'Starts the workflow on a signed event of Leadgate',
		eventTriggerDescription: 'Waiting for Leadgate to forward an event',
		activationMessage: 'The production URL now takes events that Leadgate signed.',
		defaults: { name: 'Leadgate Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [
			{ name: 'leadgateSigningSecretApi', required: true, testedBy: 'testSecret' },
			{ name: 'leadgateApi', required: false },
		],
		webhooks: [
			{
				name: 'default',
				httpMethod: 'POST',
				responseMode: '={{$parameter["respond"]}}',
				responseData: 'noData',
				path: '={{$parameter["path"]}}',
				isFullPath: true,
			},
		],
		properties,
	};

	methods = { credentialTest: { testSecret } };

	// The destinations stand in the Caddyfile, so nothing is registered at the edge.
	webhookMethods = {
		default: {
			async checkExists(this: IHookFunctions): Promise<boolean> {
				if (!this.getNodeParameter('options.checkEdge', false)) return true;
				return await leadsHere.call(this);
			},
			async create(this: IHookFunctions): Promise<boolean> {
				const url = this.getNodeWebhookUrl('default');
				throw new NodeOperationError(
					this.getNode(),
					`No destination of the edge leads here: reload it with these three lines in its Caddyfile:\nforward ${url} {\n\tsign {env.N8N_SIGNING_SECRET}\n}`,
				);
			},
			async delete(this: IHookFunctions): Promise<boolean> {
				return true;
			},
		},
	};

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		const headers = this.getHeaderData();
		const options = this.getNodeParameter('options', {}) as { tolerance?: number };
		const { rawBody } = this.getRequestObject() as unknown as { rawBody?: Buffer };
		const { secret, previousSecret } = await this.getCredentials<Secrets>(
			'leadgateSigningSecretApi',
		);
		const keys = [secret, ...(previousSecret ? [previousSecret] : [])].map(keyOf);
		const wrong = rawBody
			? verify(keys, headers, rawBody, Date.now(), options.tolerance)
			: 'n8n did not keep the bytes that came';
		if (wrong !== null) {
			// 401 and no 400: what is at fault is the secret, not the event, which comes again.
			this.getResponseObject().status(401).json({ error: wrong });
			return { noWebhookResponse: true };
		}
		const event = this.getBodyData();
		const filter = {
			kinds: this.getNodeParameter('kinds', []) as string[],
			onlyAdClicks: this.getNodeParameter('onlyAdClicks', false) as boolean,
		};
		if (!wants(filter, event)) return { webhookResponse: 'not wanted by the workflow' };
		const json: IDataObject = this.getNodeParameter('simplify', false) ? simplify(event) : event;
		return {
			workflowData: [this.helpers.returnJsonArray({ ...json, leadgate: delivery(headers) })],
		};
	}
}

type Secrets = { secret: string; previousSecret?: string };

/** Whether a secret is one; whether it is the edge's the first event shows. */
async function testSecret(
	this: ICredentialTestFunctions,
	credential: ICredentialsDecrypted<ICredentialDataDecryptedObject>,
): Promise<INodeCredentialTestResult> {
	const { secret, previousSecret } = (credential.data ?? {}) as Partial<Secrets>;
	try {
		keyOf(secret ?? '');
		if (previousSecret) keyOf(previousSecret);
	} catch (error) {
		return { status: 'Error', message: (error as Error).message };
	}
	return { status: 'OK', message: 'The secret can be used' };
}

/**
 * Reports whether a destination of the edge has this trigger's path as its target. Hosts are
 * not compared: an edge may reach n8n by another name than the editor shows.
 */
async function leadsHere(this: IHookFunctions): Promise<boolean> {
	const path = new URL(this.getNodeWebhookUrl('default') ?? '').pathname;
	const all = await askList.call(this, '/destinations');
	return all.some(({ target }) => {
		const url = String(target);
		return url.startsWith('http') && new URL(url).pathname === path;
	});
}
