import type { IDisplayOptions, INodeProperties } from 'n8n-workflow';

/** Return All and Limit, for what gets many. */
export function many(displayOptions: IDisplayOptions): INodeProperties[] {
	return [
		{
			displayName: 'Return All',
			name: 'returnAll',
			type: 'boolean',
			displayOptions,
			default: false,
			description: 'Whether to return all results or only up to a given limit',
		},
		{
			displayName: 'Limit',
			name: 'limit',
			type: 'number',
			typeOptions: { minValue: 1 },
			displayOptions: { show: { ...displayOptions.show, returnAll: [false] } },
			default: 50,
			description: 'Max number of results to return',
		},
	];
}

/** The destination that something is done to. */
export function destinationOf(displayOptions: IDisplayOptions, required = true): INodeProperties {
	return {
		displayName: 'Destination Name or ID',
		name: 'destination',
		type: 'options',
		typeOptions: { loadOptionsMethod: 'getDestinations' },
		displayOptions,
		default: '',
		required,
		description:
			'Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>',
	};
}

export const reason: INodeProperties = {
	displayName: 'Reason',
	name: 'reason',
	type: 'string',
	default: '',
	placeholder: 'expired',
	description: 'Only those with this reason, written as a dead letter has it',
};
