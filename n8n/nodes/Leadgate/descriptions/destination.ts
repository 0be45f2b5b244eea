import type { INodeProperties } from 'n8n-workflow';

import { destinationOf, many } from './shared';

export const destination: INodeProperties[] = [
	{
		displayName: 'Operation',
		name: 'operation',
		type: 'options',
		noDataExpression: true,
		displayOptions: { show: { resource: ['destination'] } },
		options: [
			{
				name: 'Get Many',
				value: 'getAll',
				description: 'Get what each destination does, and why not',
				action: 'Get many destinations',
			},
			{
				name: 'Pause',
				value: 'pause',
				description: 'Send nothing until it is resumed; events wait',
				action: 'Pause a destination',
			},
			{
				name: 'Resume',
				value: 'resume',
				description: 'Go on after a pause; what is parked or failing tries at once',
				action: 'Resume a destination',
			},
		],
		default: 'getAll',
	},
	...many({ show: { resource: ['destination'], operation: ['getAll'] } }),
	destinationOf({ show: { resource: ['destination'], operation: ['pause', 'resume'] } }),
];
