import type { INodeProperties } from 'n8n-workflow';

import { ad } from './ad';
import { contact } from './contact';
import { conversion } from './conversion';
import { deadLetter } from './deadLetter';
import { destination } from './destination';

export const properties: INodeProperties[] = [
	{
		displayName: 'Resource',
		name: 'resource',
		type: 'options',
		noDataExpression: true,
		options: [
			{ name: 'Ad', value: 'ad' },
			{ name: 'Contact', value: 'contact' },
			{ name: 'Conversion', value: 'conversion' },
			{ name: 'Dead Letter', value: 'deadLetter' },
			{ name: 'Destination', value: 'destination' },
		],
		default: 'conversion',
	},
	...ad,
	...contact,
	...conversion,
	...deadLetter,
	...destination,
];
