import type {
	IExecuteFunctions,
	ILoadOptionsFunctions,
	INodeExecutionData,
	INodePropertyOptions,
	INodeType,
	INodeTypeDescription,
	JsonObject,
} from 'n8n-workflow';
import { NodeApiError, NodeConnectionTypes } from 'n8n-workflow';

import { properties } from './descriptions';
import { failed } from './failed';
import { operations } from './operations';
import { report } from './operations/conversion';
import { askList } from './transport';

// With an execute method, since conversions go many at a time, and each has an answer of its own.
export class Leadgate implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Leadgate',
		name: 'leadgate',
		icon: { light: 'file:../../icons/leadgate.svg', dark: 'file:../../icons/leadgate.dark.svg' },
		group: ['output'],
		version: 1,
		subtitle: '={{$parameter["operation"] + ": " + $parameter["resource"]}}',
		description: 'Reports conversions to the ad platforms, and asks and operates a Leadgate edge',
		defaults: { name: 'Leadgate' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [
			{
				name: 'leadgateApi',
				required: true,
				displayOptions: { show: { resource: ['ad', 'contact', 'deadLetter', 'destination'] } },
			},
			{
				name: 'leadgateConversionsApi',
				required: true,
				displayOptions: { show: { resource: ['conversion'] } },
			},
		],
		properties,
	};

	methods = { loadOptions: { getDestinations } };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const resource = this.getNodeParameter('resource', 0) as string;
		const operation = this.getNodeParameter('operation', 0) as string;
		if (resource === 'conversion') return [await report.call(this)];
		const out: INodeExecutionData[] = [];
		for (let item = 0; item < this.getInputData().length; item++) {
			try {
				const all = await operations[resource][operation].call(this, item);
				out.push(...all.map((json) => ({ json, pairedItem: { item } })));
			} catch (error) {
				if (!this.continueOnFail()) {
					throw new NodeApiError(this.getNode(), error as JsonObject, { itemIndex: item });
				}
				out.push(failed(item, error as Error));
			}
		}
		return [out];
	}
}

async function getDestinations(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
	const all = await askList.call(this, '/destinations');
	return all.map(({ name, kind, state }) => ({
		name: `${String(name)} (${String(kind || 'removed')}, ${String(state)})`,
		value: String(name),
	}));
}
